"""Who may see what: tenants, members, rights, sign-in sessions, API keys, keys, branding."""
