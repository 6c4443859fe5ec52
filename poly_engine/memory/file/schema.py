"""The tables of the built-in store."""

from poly_engine.memory.file.database import Format

__all__ = ["FORMAT"]

_TABLES = """
create table facts (key text primary key, value text not null) without rowid;
create table documents (
    id integer primary key autoincrement,
    source text not null unique,
    sha256 text not null,
    title text not null,
    media_type text not null,
    outline text not null, -- its headings
    page_starts text not null,
    n_characters integer not null,
    rest blob not null, -- deflated: what of its text is in no chunk
    crc integer not null, -- of its text
    first_chunk integer not null, -- its chunks have numbers that follow each other
    n_chunks integer not null,
    added real not null
);
create table chunks (
    id integer primary key autoincrement,
    document integer not null references documents on delete cascade,
    place integer not null,
    start integer not null,
    end integer not null,
    first_page integer,
    last_page integer,
    headings text not null,
    text text not null,
    key text not null,
    unique (document, place)
);
create table vectors ( -- apart from the texts: all of them are read when a memory is opened
    chunk integer primary key references chunks on delete cascade,
    vector blob not null,
    crc integer not null
);
create table sentences ( -- of the chunks that have several, if the memory wants that
    chunk integer primary key references chunks on delete cascade,
    vectors blob not null, -- one after the other
    crc integer not null
);
create table removed (id integer primary key autoincrement, first integer not null, last integer not null); -- chunks
create trigger forget_old_removals after insert on removed begin
    delete from removed where id <= new.id - 1000;
end;
create virtual table words using fts5 (text, content = '', tokenize = "porter unicode61 remove_diacritics 2");
"""

FORMAT = Format(2, _TABLES)
