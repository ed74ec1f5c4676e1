"""Figures of rhythms on pages: thin over `cages.drawing`."""

from django import template

from cages.drawing import words

register = template.Library()
register.filter("rhythm_share", words.fraction)
