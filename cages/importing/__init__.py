"""Cages from a file: its lines (text, workbook), its rows (columns, sheet), questions about them
(questions), what each row would do (plan), and doing it (carry_out). Between the preview and the
confirmation the browser holds the rows (packing).
"""
