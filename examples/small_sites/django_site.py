"""Run it with `python -m django runserver --settings small_sites.django_site`.

One module is settings and addresses at once; the cache framework is on, and stands inside of
Byleave, so that all visitors share one cached page.
"""

import os

from django.http import HttpRequest, HttpResponse
from django.urls import path

from small_sites import DEFINITIONS, PAGE

SECRET_KEY = os.environ.get("SHOP_SECRET", "only for this example, and no secret at all")
ALLOWED_HOSTS = ["*"]
USE_TZ = True
ROOT_URLCONF = "small_sites.django_site"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
MIDDLEWARE = [
    "django.middleware.gzip.GZipMiddleware",
    "byleave.sdk.django.Personalise",
    "django.middleware.cache.UpdateCacheMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.cache.FetchFromCacheMiddleware",
]
BYLEAVE = {"definitions": DEFINITIONS}


def home(request: HttpRequest) -> HttpResponse:
    """The only page, made synchronously."""
    return HttpResponse(PAGE.encode())


async def home_async(request: HttpRequest) -> HttpResponse:
    """The same, made asynchronously."""
    return HttpResponse(PAGE.encode())


urlpatterns = [path("", home), path("async", home_async)]
