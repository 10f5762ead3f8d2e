"""What a page becomes, and where pages are found: functions that stages and plans share."""
