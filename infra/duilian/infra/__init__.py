"""Ground floor: settings, database, jobs, object store, keys, telemetry, local services. No product words."""
