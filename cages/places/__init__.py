"""Where cages stand: all rooms with their racks (overview), and one rack bay by bay (grid)."""
