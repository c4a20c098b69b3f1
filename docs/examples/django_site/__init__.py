"""A small booking service in Django, behind its waiting room."""
