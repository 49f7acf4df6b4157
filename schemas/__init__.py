"""The contract: record types, topics and their JSON form.

Everything another service needs in order to read our topics is here, and nothing here imports
the rest of the project.
"""
