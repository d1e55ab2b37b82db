"""Proposals for question sets (题组修订): made from what people say and decide, replayed on the past, published by a person."""
