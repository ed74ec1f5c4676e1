from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

# They add to the API, the data dictionary, the metrics and the operations page. These know nothing
# of them.
from welfare import api, exporting, metrics, operations  # noqa: F401
from welfare.notices import ways  # noqa: F401

admin.site.site_header = "Neurocage administration"
admin.site.site_title = "Neurocage"
# Through our own sign-in, with its limits and its second factor.
setattr(admin.site, "login", secure_admin_login(admin.site.login))  # noqa: B010

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/", include("cages.api.urls")),
    path("", include("people.urls")),
    path("", include("cages.urls")),
    path("light/", include("cages.urls_light")),
    path("marks/", include("cages.urls_marks")),
    path("concerns/", include("welfare.urls")),
    path("notices/", include("welfare.urls_notices")),
    path("concerns/rules/", include("welfare.urls_rules")),
    path("sensors/", include("welfare.urls_sensors")),
]

handler400 = "cages.views.site.errors.bad_request"
handler500 = "cages.views.site.errors.server_error"
