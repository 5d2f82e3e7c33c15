"""The words of every refusal, reason and warning, in Chinese and English."""
