//! The service under test that ships with brunt: it watches the quality of LLM answers.
