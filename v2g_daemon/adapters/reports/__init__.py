"""Statements for people and programs."""
