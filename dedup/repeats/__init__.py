"""Lines and passages that come again below the document."""
