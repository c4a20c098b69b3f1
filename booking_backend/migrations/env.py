"""What Alembic runs around the migrations: always on the connection that the program hands over."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
