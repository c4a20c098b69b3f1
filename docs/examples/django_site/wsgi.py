"""Where Django meets its server; the gate goes around it. For ASGI the same in asgi.py, with PassGate."""

import os

from django.core.wsgi import get_wsgi_application

from ecluse.origin import WsgiPassGate

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "django_site.settings")
application = WsgiPassGate(
    get_wsgi_application(),
    rooms="guichet",
    keys=os.environ["ECLUSE_ORIGIN_KEY"].split(),
    open_paths=["/healthz", "/static/", "/api/partners/"],
    public_url="http://localhost:8000/",
)
