"""What does each network recognise when synthetic faces move as real ones did?"""
