"""Pure analysers of speech, fed samples."""
