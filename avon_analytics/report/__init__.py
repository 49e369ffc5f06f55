"""From the DataFrames of figures to what a person reads: charts, tables, a workbook, a page."""
