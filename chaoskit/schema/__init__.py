"""JSON Schemas from the writer's side: unfolding them and building values that satisfy them."""
