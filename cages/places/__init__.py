"""Where cages stand: all rooms with their racks (overview), one rack bay by bay (grid), a rack as a
small map (maps), and the silent sensors rack by rack (silent).
"""
