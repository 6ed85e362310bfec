"""What a newer program does to the states that earlier releases left."""
