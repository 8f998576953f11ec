"""The analysts' dashboard: a Dash application over the published read model, with casework beside it.

It reads `finpat.readmodel` and `finpat.casework`; it never opens the store and computes nothing itself.

| module | what it holds |
|---|---|
| `app` | `create_app`: server, pages, frame of every page |
| `state` | the read model and the casework of the request that is being answered |
| `access` | who is signed in, which rights a role has, `requires(right)` |
| `paths`, `ids` | addresses of pages; ids that callbacks and tests share |
| `jobs` | work that takes longer than a page may wait |
| `words` | numbers, money, instants and names as a person reads them |
| `figures` | frame -> figure; no queries |
| `components` | values -> parts of a page; no queries, no callbacks |
| `pages` | a path, a layout, one-line callbacks: ask, draw |
| `assets` | styles, scripts, the world map; everything is served from here, nothing from elsewhere |
"""
