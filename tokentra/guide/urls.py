"""Pages of the guide."""

from django.urls import path

from tokentra.guide import views

app_name = "guide"

urlpatterns = [
    path("", views.contents, name="contents"),
    path("search/", views.search, name="search"),
    path("<slug:slug>/", views.page, name="page"),
]
