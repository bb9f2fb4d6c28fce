-- Where an API token may be used from: networks in CIDR form, separated by spaces, those that are refused after an `!`. NULL: everywhere.
ALTER TABLE tokens ADD COLUMN networks TEXT;
