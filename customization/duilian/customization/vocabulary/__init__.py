"""Speech vocabulary (语音词表) as a trained thing: words proposed from a tenant's history, measured, promoted, taken back."""
