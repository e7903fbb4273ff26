"""Data sets: tables that come with formsearch, tables that it can fetch, and the user's own files, by one `load`.

* built in: `zhao2025`, 446 published configurations with *simulated* losses (the points say so);
* fetchable: `fetch("chinchilla")` downloads a table from its pinned address, after which `load` knows its name;
* anything else is a path, read by `formsearch.read_points`.
"""

from formsearch.data.cards import Card, RemoteFile, card, names
from formsearch.data.fetch import cache_folder, fetch
from formsearch.data.load import load

__all__ = ["Card", "RemoteFile", "cache_folder", "card", "fetch", "load", "names"]
