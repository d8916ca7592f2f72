"""Valid requests of every RPC, and what is made of them: wrong fields, wire bytes and image files."""
