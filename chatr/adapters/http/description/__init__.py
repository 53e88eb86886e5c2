"""Descriptions of the API: what each endpoint takes and returns, the OpenAPI document, reference tables and texts."""
