"""Audio frames, codecs and buffers: int16 PCM, counted in samples."""
