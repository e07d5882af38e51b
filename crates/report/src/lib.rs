//! A run record and its verdict as terminal text, HTML, CSV and JSON.
