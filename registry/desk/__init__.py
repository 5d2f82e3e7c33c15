"""The front desk: acting and reading with a token, keys in custody. All of it ends in `Office.submit`."""
