"""Law as data: rulebooks, the facts they see and the judgement they give. Pure: no clock, no network, no tables."""
