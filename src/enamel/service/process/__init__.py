"""The process itself: health and metrics."""
