//! Loading, hand edits and bursts, one case each.
