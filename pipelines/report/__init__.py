"""The page that shows what became of every link: a module a section, over counts taken in bounded memory.

`page` puts it together; `facts` gathers what it tells, from `tallies` (counts) and `samples` (rows drawn by hash);
`markup` and `charts` write the HTML and SVG.
"""
