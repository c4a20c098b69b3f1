"""Django's settings: nothing of Écluse is in here."""

import secrets

SECRET_KEY = secrets.token_urlsafe(32)  # a real site keeps its own
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
ROOT_URLCONF = "django_site.urls"
WSGI_APPLICATION = "django_site.wsgi.application"
MIDDLEWARE = ["django.middleware.csrf.CsrfViewMiddleware"]
