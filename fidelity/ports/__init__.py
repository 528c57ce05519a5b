"""The papers' networks, written from the papers' text in the framework that each paper used."""
