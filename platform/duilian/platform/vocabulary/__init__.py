"""Making a vocabulary: what a tenant's history says, and what the recogniser hears with and without the words."""
