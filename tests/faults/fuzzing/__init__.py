"""Valid requests of every RPC, and what is made of them: fields, bytes on the wire and image files that are wrong."""
