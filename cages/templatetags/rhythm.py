"""Figures of rhythms on pages: thin over `cages.drawing.rhythms`."""

from django import template

from cages.drawing import rhythms

register = template.Library()
register.filter("rhythm_share", rhythms.share)
