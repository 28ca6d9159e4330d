"""Calendars of the world outside: public holidays."""
