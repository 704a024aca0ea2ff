"""TrustMark (Bui, Agarwal and Collomosse 2023) where its weights are placed: codec, networks, conversion, watermark."""
