"""The pages of budgets, and the corners of other pages that show them."""

from django.urls import path

from budgets import corners, department_doors, part_doors, prompt_doors, raise_doors, views

app_name = "budgets"

urlpatterns = [
    path("", views.budgets, name="list"),
    path("new/", views.new, name="new"),
    path("values/", corners.values, name="values"),
    path("progress/", corners.progress, name="progress"),
    path("card/", corners.card, name="card"),
    path("warnings/<uuid:crossing_id>/dismiss/", corners.dismiss, name="dismiss"),
    path("departments/", department_doors.departments, name="departments"),
    path("departments/<uuid:department_id>/remove/", department_doors.remove, name="remove_department"),
    path("longest-prompt/", prompt_doors.longest_prompt, name="longest_prompt"),
    path("<uuid:budget_id>/", views.budget, name="budget"),
    path("<uuid:budget_id>/change/", views.change, name="change"),
    path("<uuid:budget_id>/archive/", views.archive, name="archive"),
    path("<uuid:budget_id>/restore/", views.restore, name="restore"),
    path("<uuid:budget_id>/parts/", part_doors.parts, name="parts"),
    path("<uuid:budget_id>/ask/", raise_doors.ask, name="ask"),
    path("requests/<uuid:raise_id>/approve/", raise_doors.approve, name="approve"),
    path("requests/<uuid:raise_id>/decline/", raise_doors.decline, name="decline"),
    path("requests/<uuid:raise_id>/withdraw/", raise_doors.withdraw, name="withdraw"),
]
