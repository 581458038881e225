//! A page of a list: filter, sort, cursor. Pure.
