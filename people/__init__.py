"""Who uses Neurocage, and what people call things."""
