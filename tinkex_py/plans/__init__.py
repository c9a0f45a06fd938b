"""Multi-step work as pure plans: generators that yield effects and return a value."""
