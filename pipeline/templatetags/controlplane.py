"""`{% load controlplane %}`: the words of `pipeline.views` in templates."""

from __future__ import annotations

from django import template

from pipeline.views import display, markdown

register = template.Library()

register.filter("when", display.when)
register.filter("absolute", display.absolute)
register.filter("span", display.span)
register.filter("spoken", display.spoken)
register.filter("badge", display.badge)
register.filter("state", display.state)
register.filter("link", display.link)
register.filter("outside", display.outside)
register.filter("labels", display.labels)
register.filter("percent", display.percent)
register.filter("pretty", display.pretty)
register.filter("diff", display.diff)
register.filter("markdown", markdown.render)
register.filter("page_of", display.page_of)
