"""Where Django meets an ASGI server; the gate goes around it."""

import os

from django.core.asgi import get_asgi_application

from ecluse.origin import PassGate

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "django_site.settings")
application = PassGate(
    get_asgi_application(),
    rooms="guichet",
    keys=os.environ["ECLUSE_ORIGIN_KEY"].split(),
    open_paths=["/healthz", "/static/", "/api/partners/"],
    public_url="http://localhost:8000/",
)
