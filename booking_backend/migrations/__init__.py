"""The history of the schema, oldest first; see `booking_backend.migrating`."""
