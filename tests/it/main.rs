//! Behaviour, through the real binary.
