"""A storm whose provider asks each user to come back after 45 minutes."""

STORM = """
title = "A storm"
[workload]
users = 3
prompt = "Why did the last deploy fail, {user}?"
[[faults]]
fault = "rate_limited"
when = { calls = 1 }
retry_after = "45m"
[[promises]]
check = "every_user_answered"
[[promises]]
check = "retry_after_honoured"
"""
