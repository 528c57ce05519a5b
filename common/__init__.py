"""What the papers share: corpora, face algorithms, protocols, training, results and reports."""
